"use strict";
// Refreshes part of the page every few seconds while something on it is unfinished.

const live = document.getElementById("live");

async function refresh() {
    if (document.hidden || await replaceLive()) {
        setTimeout(refresh, 1000 * live.dataset.refresh);
    } else {
        // Finished: the rest of the page has changed too.
        location.reload();
    }
}

async function replaceLive() {
    let page;
    try {
        const response = await fetch(location.href);
        if (!response.ok) {
            return true;
        }
        page = new DOMParser().parseFromString(await response.text(), "text/html");
    } catch {
        // Network or service unavailable: keep the page, which shows its time.
        return true;
    }
    const fresh = page.getElementById("live");
    // Do not replace a focused button that is about to be pressed, or text that is being copied.
    const selected = !getSelection().isCollapsed && live.contains(getSelection().anchorNode);
    if (fresh && !selected && !live.contains(document.activeElement)) {
        live.replaceChildren(...fresh.childNodes);
    }
    return Boolean(fresh?.dataset.refresh);
}

setTimeout(refresh, 1000 * live.dataset.refresh);
