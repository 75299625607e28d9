// A button with data-copies="id" copies the text of that element. It is hidden without scripts.
"use strict";

async function copy(element) {
    // Browsers offer the clipboard over https and on localhost only.
    if (navigator.clipboard) {
        await navigator.clipboard.writeText(element.textContent);
        return true;
    }
    getSelection().selectAllChildren(element);
    return document.execCommand("copy");
}

function showButtons() {
    for (const button of document.querySelectorAll("button[data-copies]")) {
        button.hidden = false;
    }
}

// One listener for all, because a refresh replaces the buttons.
document.addEventListener("click", async ({target}) => {
    const id = target.dataset?.copies;
    if (!id) {
        return;
    }
    const copied = await copy(document.getElementById(id)).catch(() => false);
    const status = document.querySelector(`[data-copied="${id}"]`);
    status.textContent = copied ? "Copied." : "Not copied: select the text and copy it.";
});
document.addEventListener("refreshed", showButtons);
showButtons();
