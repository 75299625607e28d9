"use strict";
// Refreshes part of the page every few seconds while something on it is unfinished.

const live = document.getElementById("live");
const note = document.createElement("p");
let updatedAt = Date.now();
let paused = false;

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
        // Network or service unavailable: keep the page, which shows its age.
        return true;
    }
    const fresh = page.getElementById("live");
    // Do not replace a focused button that is about to be pressed, or text that is being copied.
    const selected = !getSelection().isCollapsed && live.contains(getSelection().anchorNode);
    paused = selected || live.contains(document.activeElement);
    if (fresh && !paused) {
        replaceChildren(fresh);
        updatedAt = Date.now();
        document.dispatchEvent(new Event("refreshed"));
    }
    showAge();
    // A reload would lose what is selected or focused, too.
    return paused || Boolean(fresh?.dataset.refresh);
}

// Wide tables keep their scroll position, unlike the focus, which pauses the refresh.
function replaceChildren(fresh) {
    const tables = () => [...live.querySelectorAll(".scroll")];
    const scrolled = tables().map(table => table.scrollLeft);
    live.replaceChildren(...fresh.childNodes);
    tables().forEach((table, index) => {
        table.scrollLeft = scrolled[index] ?? 0;
    });
}

function showAge() {
    const age = `Updated ${Math.round((Date.now() - updatedAt) / 1000)} s ago`;
    note.textContent = paused ? `${age}; paused while you select text or use a control.` : `${age}.`;
}

note.className = "help";
live.before(note);
showAge();
setInterval(showAge, 1000);
setTimeout(refresh, 1000 * live.dataset.refresh);
