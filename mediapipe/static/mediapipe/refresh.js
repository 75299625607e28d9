"use strict";
// Looks again every few seconds while something on the page is unfinished, and draws what is new.

const live = document.getElementById("live");

async function look() {
    if (!document.hidden) {
        const answer = await fetch(location.href);
        const page = new DOMParser().parseFromString(await answer.text(), "text/html");
        const fresh = page.getElementById("live");
        if (!fresh || !fresh.dataset.refresh) {
            // It is over: the rest of the page has news as well.
            location.reload();
            return;
        }
        // A button that somebody is about to press stays where it is.
        if (!live.contains(document.activeElement)) {
            live.replaceChildren(...fresh.childNodes);
        }
    }
    setTimeout(look, 1000 * live.dataset.refresh);
}

setTimeout(look, 1000 * live.dataset.refresh);
