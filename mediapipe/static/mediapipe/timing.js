"use strict";
// Draws the charts of the timing page in the colours of the admin's theme.
// Lines differ in dashes and point shapes as well as colour.

const LOOKS = [
    { colour: "--series-1", dash: [], point: "circle" },
    { colour: "--series-2", dash: [8, 4], point: "triangle" },
    { colour: "--series-3", dash: [2, 3], point: "rectRot" },
];
// Powers of ten up to a minute, then minutes and hours.
const TICKS_S = [0.01, 0.1, 1, 10, 60, 600, 3600, 36000, 172800];
// A logarithmic axis has no zero: zeros are drawn at this minimum.
const MIN_S = TICKS_S[0];

function colour(name) {
    return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

function tickLabel(seconds) {
    if (seconds < 60) {
        return `${seconds} s`;
    }
    return seconds < 3600 ? `${seconds / 60} min` : `${seconds / 3600} h`;
}

function atLeastMin(spec, values) {
    return spec.scale === "seconds" ? values.map((v) => (v === null ? v : Math.max(v, MIN_S))) : values;
}

function line(spec, series, look) {
    const stroke = colour(look.colour);
    const few = series.values.filter((value) => value !== null).length < 40;
    return {
        label: series.name,
        texts: series.texts,
        data: atLeastMin(spec, series.values),
        borderColor: stroke,
        pointBackgroundColor: stroke,
        borderDash: look.dash,
        borderWidth: 2,
        pointStyle: look.point,
        pointRadius: few ? 4 : 2,
        tension: 0,
    };
}

// The previous period, in the colour of the current one: dashed, without points or fill.
function previous(spec, series) {
    const stroke = colour(spec.kind === "lines" ? LOOKS[series.before].colour : "--series-2");
    const upper = {
        ...line(spec, series, { colour: "--series-2", dash: [4, 4], point: "line" }),
        type: "line",
        order: -1,
        borderColor: stroke,
        borderWidth: 1.5,
        pointRadius: 0,
    };
    const lower = series.least && { ...upper, label: "", data: atLeastMin(spec, series.least) };
    return lower ? [lower, upper] : [upper];
}

// A band is two lines with the space between them filled; only the upper one has a label.
function band(spec, series, look) {
    const upper = line(spec, series, look);
    const lower = { ...upper, label: "", data: atLeastMin(spec, series.least), borderWidth: 1, pointRadius: 2 };
    return [lower, { ...upper, fill: "-1", backgroundColor: upper.borderColor + "2e" }];
}

function bars(series, look) {
    return {
        label: series.name,
        texts: series.texts,
        data: series.values,
        backgroundColor: colour(look.colour),
        borderColor: colour(look.colour),
        maxBarThickness: 48,
    };
}

function datasets(spec) {
    return spec.series.flatMap((series, number) => {
        if (series.before !== null) {
            return previous(spec, series);
        }
        const look = LOOKS[number];
        if (spec.kind !== "lines") {
            return [bars(series, look)];
        }
        return series.least ? band(spec, series, look) : [line(spec, series, look)];
    });
}

// Chart.js squeezes a title that is too long: on a phone each part gets its own line.
function title(text) {
    const lines = matchMedia("(max-width: 600px)").matches ? text.split(/, (?=in )/) : text;
    return { display: Boolean(text), text: lines, color: colour("--body-quiet-color") };
}

function valueAxis(spec) {
    const axis = {
        title: title(spec.y_title),
        grid: { color: colour("--hairline-color") },
        ticks: { color: colour("--body-fg") },
    };
    if (spec.scale === "seconds") {
        axis.type = "logarithmic";
        axis.min = MIN_S;
        axis.afterBuildTicks = (scale) => {
            scale.ticks = TICKS_S.filter((value) => value <= scale.max).map((value) => ({ value }));
        };
        axis.ticks.callback = tickLabel;
    } else if (spec.scale === "share") {
        axis.min = 0;
        axis.suggestedMax = spec.kind === "lines" ? 1 : 0.1;
        axis.ticks.callback = (value) => `${Math.round(1000 * value) / 10}%`;
    } else {
        axis.beginAtZero = true;
        axis.ticks.precision = 0;
    }
    return axis;
}

function labelAxis(spec) {
    return {
        title: title(spec.x_title),
        grid: { display: spec.kind === "lines", color: colour("--hairline-color") },
        ticks: { color: colour("--body-fg"), maxRotation: 60, autoSkipPadding: 12 },
    };
}

function options(spec) {
    const horizontal = spec.kind === "rows";
    const [xAxis, yAxis] = horizontal ? [valueAxis(spec), labelAxis(spec)] : [labelAxis(spec), valueAxis(spec)];
    if (horizontal) {
        yAxis.ticks.autoSkip = false;
    }
    return {
        animation: false,
        maintainAspectRatio: false,
        indexAxis: horizontal ? "y" : "x",
        interaction: { mode: "index", axis: horizontal ? "y" : "x", intersect: false },
        scales: { x: xAxis, y: yAxis },
        plugins: {
            legend: {
                display: spec.series.length > 1,
                labels: {
                    usePointStyle: true,
                    boxHeight: 8,
                    color: colour("--body-fg"),
                    filter: (item) => item.text,
                    // Not in drawing order, which puts the previous period on top of the bars.
                    sort: (one, other) => one.datasetIndex - other.datasetIndex,
                },
                // Hiding one edge of a band would leave the other.
                onClick: () => {},
            },
            tooltip: {
                filter: (item) => item.dataset.label,
                callbacks: {
                    label: (item) => `${item.dataset.label}: ${item.dataset.texts[item.dataIndex]}`,
                },
            },
        },
    };
}

function draw(canvas) {
    const spec = JSON.parse(document.getElementById(canvas.dataset.chart).textContent);
    const type = spec.kind === "lines" ? "line" : "bar";
    // Two lines per label, so that name and number fit on a phone.
    const labels = spec.kind === "rows" ? spec.labels.map((label) => label.split(": ")) : spec.labels;
    const data = { labels, datasets: datasets(spec) };
    Chart.getChart(canvas)?.destroy();
    new Chart(canvas, { type, data, options: options(spec) });
}

function drawAll() {
    document.querySelectorAll("canvas[data-chart]").forEach(draw);
}

// Choosing a named period clears the typed times.
function submitOnChoice(form) {
    form.addEventListener("change", (event) => {
        if (event.target.name === "period") {
            form.elements.since.value = form.elements.until.value = "";
        }
        if (event.target.type !== "text") {
            form.requestSubmit();
        }
    });
}

drawAll();
new MutationObserver(drawAll).observe(document.documentElement, { attributeFilter: ["data-theme"] });
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", drawAll);
submitOnChoice(document.querySelector("form.choices"));
