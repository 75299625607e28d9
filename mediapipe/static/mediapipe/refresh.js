"use strict";
// Looks again every few seconds while something on the page is unfinished, and draws what is new.

const live = document.getElementById("live");

async function look() {
    if (document.hidden || await renewed()) {
        setTimeout(look, 1000 * live.dataset.refresh);
    } else {
        // It is over: the rest of the page has news as well.
        location.reload();
    }
}

async function renewed() {
    let page;
    try {
        const answer = await fetch(location.href);
        if (!answer.ok) {
            return true;
        }
        page = new DOMParser().parseFromString(await answer.text(), "text/html");
    } catch {
        // The network or the service is away; what is shown says of when it is.
        return true;
    }
    const fresh = page.getElementById("live");
    // A button that somebody is about to press stays where it is.
    if (fresh && !live.contains(document.activeElement)) {
        live.replaceChildren(...fresh.childNodes);
    }
    return Boolean(fresh?.dataset.refresh);
}

setTimeout(look, 1000 * live.dataset.refresh);
