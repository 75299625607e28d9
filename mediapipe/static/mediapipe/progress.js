"use strict";
// Polls the progress of the job, and reloads the page once it is done.

const bar = document.getElementById("progress");
const text = document.getElementById("progress-text");

async function poll() {
    const job = await progress();
    if (job) {
        bar.value = job.done;
        text.textContent = job.text;
    }
    if (job && job.done >= job.total) {
        location.reload();
    } else {
        setTimeout(poll, 1000);
    }
}

// Returns null while the network or the service is unavailable, or the session has ended.
async function progress() {
    try {
        const response = await fetch(location.href, {headers: {Accept: "application/json"}});
        return response.ok && !response.redirected ? await response.json() : null;
    } catch {
        return null;
    }
}

setTimeout(poll, 1000);
