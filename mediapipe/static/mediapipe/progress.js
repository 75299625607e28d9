"use strict";
// Asks how far the job is, and loads the page anew once it is done.

const bar = document.getElementById("progress");
const text = document.getElementById("progress-text");

async function look() {
    const answer = await fetch(location.href, {headers: {Accept: "application/json"}});
    const job = await answer.json();
    bar.value = job.done;
    text.textContent = job.text;
    if (job.done >= job.total) {
        location.reload();
    } else {
        setTimeout(look, 1000);
    }
}

setTimeout(look, 1000);
