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

for (const button of document.querySelectorAll("button[data-copies]")) {
    const id = button.dataset.copies;
    const status = document.querySelector(`[data-copied="${id}"]`);
    button.hidden = false;
    button.addEventListener("click", async () => {
        const copied = await copy(document.getElementById(id)).catch(() => false);
        status.textContent = copied ? "Copied." : "Not copied: select the text and copy it.";
    });
}
