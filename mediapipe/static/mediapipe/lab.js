// Plots the wait and the requests of each schedule, in the colours of the admin's theme.
// Schedules differ in shape as well as colour; a hollow point retrieves less media.
"use strict";

const SHAPES = ["circle", "rectRot", "rect", "triangle", "star", "cross"];
// A logarithmic axis has no zero: waits of zero are drawn at this minimum.
const MIN_S = 0.01;
const TICKS_S = [0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100, 1000, 10000];
const TICKS = {
    afterBuildTicks: (scale) => {
        const seen = TICKS_S.filter((value) => value >= scale.min && value <= scale.max);
        scale.ticks = seen.map((value) => ({ value }));
    },
};

function colour(name) {
    return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

function atLeastMin(x, y) {
    return { x, y: Math.max(y, MIN_S) };
}

function lines(data) {
    const farthest = 1.15 * Math.max(data.budget, ...data.policies.map((policy) => policy.requests));
    const frontier = data.frontier.filter(([requests]) => requests <= farthest).map(([x, y]) => atLeastMin(x, y));
    const waits = [...frontier.map((point) => point.y), ...data.policies.map((policy) => policy.wait_s)];
    const budget = [Math.min(...waits), Math.max(...waits)].map((y) => atLeastMin(data.budget, y));
    const common = {
        showLine: true,
        pointRadius: 0,
        pointStyle: "line",
        borderColor: colour("--body-quiet-color"),
        borderWidth: 2,
    };
    return [
        { ...common, label: "best possible with our settings", data: frontier },
        { ...common, label: "budget", data: budget, borderDash: [2, 4] },
    ];
}

function point(policy, number) {
    const own = colour(`--policy-${(number % SHAPES.length) + 1}`);
    const share = policy.retrieves_less ? `, but retrieves ${(100 * policy.retrieved).toFixed(1)} %` : "";
    return {
        label: policy.name + share,
        data: [atLeastMin(policy.requests, policy.wait_s)],
        pointStyle: SHAPES[number % SHAPES.length],
        pointRadius: 8,
        pointHoverRadius: 10,
        borderColor: own,
        backgroundColor: policy.retrieves_less ? "transparent" : own,
        borderWidth: 3,
        clip: false,
    };
}

function axis(text, more) {
    return {
        title: { display: true, text, color: colour("--body-quiet-color") },
        grid: { color: colour("--hairline-color") },
        ticks: { color: colour("--body-fg"), callback: (value) => `${Math.round(100 * value) / 100}` },
        ...more,
    };
}

function draw(canvas) {
    const data = JSON.parse(document.getElementById(canvas.dataset.lab).textContent);
    return new Chart(canvas, {
        type: "scatter",
        data: { datasets: [...lines(data), ...data.policies.map(point)] },
        options: {
            animation: false,
            maintainAspectRatio: false,
            scales: {
                x: axis("requests per media item"),
                y: axis("mean excess wait (s)", { type: "logarithmic", ...TICKS }),
            },
            plugins: {
                legend: {
                    position: "bottom",
                    align: "start",
                    labels: { color: colour("--body-fg"), usePointStyle: true, padding: 14 },
                },
                tooltip: {
                    callbacks: {
                        label: ({ dataset, parsed }) =>
                            `${dataset.label}: ${parsed.x.toFixed(2)} requests, ${parsed.y.toFixed(2)} s`,
                    },
                },
            },
        },
    });
}

let charts = [];

function drawAll() {
    charts.forEach((chart) => chart.destroy());
    charts = [...document.querySelectorAll("canvas[data-lab]")].map(draw);
}

drawAll();
// The theme may change while the page is open.
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", drawAll);
new MutationObserver(drawAll).observe(document.documentElement, { attributeFilter: ["data-theme"] });
