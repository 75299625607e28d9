"use strict";
// Polls the progress of the job, and reloads the page once it is done.

const bar = document.getElementById("progress");
const text = document.getElementById("progress-text");

async function poll() {
    const response = await fetch(location.href, {headers: {Accept: "application/json"}});
    const job = await response.json();
    bar.value = job.done;
    text.textContent = job.text;
    if (job.done >= job.total) {
        location.reload();
    } else {
        setTimeout(poll, 1000);
    }
}

setTimeout(poll, 1000);
