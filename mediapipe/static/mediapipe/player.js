"use strict";
// A player that cannot decode its file shows disabled controls without a reason: show the reason.

for (const player of document.querySelectorAll("[data-unplayable]")) {
    const reason = document.getElementById(player.dataset.unplayable);
    const show = () => {
        reason.hidden = false;
    };
    player.addEventListener("error", show);
    // It may have failed before this script ran.
    if (player.error) {
        show();
    }
}
