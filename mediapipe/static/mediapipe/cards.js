"use strict";
// On narrow screens the rows of a table are cards, so each cell needs the name of its column.

function labelCells() {
    for (const table of document.querySelectorAll("#result_list, .scroll table")) {
        const names = [...table.querySelectorAll("thead th")].map(
            (th) => (th.querySelector(".text") ?? th).textContent.trim());
        for (const row of table.tBodies[0]?.rows ?? []) {
            [...row.cells].forEach((cell, index) => {
                cell.dataset.label = names[index] ?? "";
                cell.classList.toggle("blank", ["", "-"].includes(cell.textContent.trim())
                    && !cell.querySelector("input, svg"));
            });
        }
    }
}

labelCells();
document.addEventListener("refreshed", labelCells);
