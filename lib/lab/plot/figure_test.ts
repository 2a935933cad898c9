import assert from "node:assert/strict";
import fc from "fast-check";
import type { Chart } from "./chart.ts";
import { drawFigure } from "./figure.ts";

const chart: Chart = {
  title: "throughput",
  x: { label: "clients", min: 0, max: 10 },
  y: { label: "requests/s", min: 0, max: 100 },
  series: [{
    kind: "line",
    name: "python",
    points: [{ x: 0, y: 0 }, { x: 5, y: 50, low: 40, high: 60 }, { x: 10, y: 100 }],
  }],
};

/** Checks that the document is well-formed. @returns the names of its elements */
function elementsOf(svg: string): string[] {
  const open: string[] = [];
  const names: string[] = [];
  for (const [, close, name, empty] of svg.matchAll(/<(\/?)([a-z]+)[^<>]*?(\/?)>/g)) {
    if (close) assert.equal(open.pop(), name);
    else {
      names.push(name!);
      if (!empty) open.push(name!);
    }
  }
  assert.deepEqual(open, []);
  assert.equal(svg.match(/</g)!.length, svg.match(/>/g)!.length);
  return names;
}

Deno.test("drawFigure: draws title, axis labels, ticks and legend", () => {
  const svg = drawFigure({ title: "Node", subtitle: "2 cores", rows: [{ charts: [chart] }] });
  elementsOf(svg);
  for (const text of ["Node", "2 cores", "throughput", "clients", "requests/s", "python", "60"]) {
    assert.match(svg, new RegExp(`>${text}</text>`), text);
  }
});

Deno.test("drawFigure: wraps a long subtitle", () => {
  const words = Array.from({ length: 60 }, (_, n) => `word-${n}`);
  const svg = drawFigure({ subtitle: words.join(" "), rows: [{ charts: [chart] }] });
  const lines = [...svg.matchAll(/fill="#555">([^<]*)</g)].map((match) => match[1]!);
  assert.ok(lines.length > 3 && lines.every((line) => line.length < 80), `${lines.length} lines`);
  assert.deepEqual(lines.join(" ").split(" "), words);
});

Deno.test("drawFigure: draws a line through its points", () => {
  const svg = drawFigure({ rows: [{ charts: [chart] }], plane: { width: 100, height: 100 } });
  const [, points] = /<polyline points="([^"]+)"/.exec(svg)!;
  const [first, middle, last] = points!.split(" ").map((pair) => pair.split(",").map(Number));
  assert.deepEqual([middle![0]! - first![0]!, last![0]! - first![0]!], [50, 100]);
  assert.deepEqual([first![1]! - middle![1]!, first![1]! - last![1]!], [50, 100]);
});

Deno.test("drawFigure: interrupts a line at unknown values", () => {
  const points = [1, 2, undefined, 4, 5].map((y, x) => ({ x, y }));
  const svg = drawFigure({
    rows: [{ charts: [{ ...chart, series: [{ kind: "line", name: "a", points }] }] }],
  });
  assert.equal(elementsOf(svg).filter((name) => name === "polyline").length, 2);
  assert.equal(elementsOf(svg).filter((name) => name === "circle").length, 4);
});

Deno.test("drawFigure: stacks areas and covers their sum", () => {
  const area = (name: string, y: number) => ({
    kind: "area" as const,
    name,
    points: [{ x: 0, y }, { x: 1, y }],
  });
  const y = { label: "requests/s" };
  const stacked = { ...chart, y, series: [area("served", 70), area("late", 20)] };
  assert.match(drawFigure({ rows: [{ charts: [stacked] }] }), />100<\/text>/);
});

Deno.test("drawFigure: draws bars of a category next to each other, with whiskers", () => {
  const bars = (name: string) => ({
    kind: "bars" as const,
    name,
    points: [{ x: 0, y: 3, low: 2, high: 4 }, { x: 1, y: 5 }],
  });
  const svg = drawFigure({
    rows: [{
      charts: [{
        ...chart,
        x: { label: "tier", categories: ["warm", "cold"] },
        series: [bars("python"), bars("nodejs")],
      }],
    }],
  });
  elementsOf(svg);
  const rects = [...svg.matchAll(/<rect x="([\d.]+)"[^>]*><title>/g)].map((match) =>
    Number(match[1])
  );
  assert.equal(new Set(rects).size, 4);
  assert.equal([...svg.matchAll(/m-3,0h6/g)].length, 2);
});

Deno.test("drawFigure: gives a name the same colour in all charts", () => {
  const other = { ...chart.series[0]!, name: "nodejs" };
  const reversed = { ...chart, series: [other, chart.series[0]!] };
  const svg = drawFigure({ rows: [{ charts: [chart, reversed] }] });
  const strokes = [...svg.matchAll(/<polyline [^>]*stroke="(#\w+)"/g)].map((match) => match[1]);
  assert.equal(strokes.length, 3);
  assert.equal(strokes[0], strokes[2]);
  assert.notEqual(strokes[0], strokes[1]);
});

Deno.test("drawFigure: draws finite coordinates for any names and values", () => {
  const value = fc.oneof(fc.double({ min: -1e9, max: 1e9, noNaN: true }), fc.constant(undefined));
  const point = fc.record({ x: fc.double({ min: -1e9, max: 1e9, noNaN: true }), y: value });
  const scale = fc.constantFrom("linear" as const, "log" as const);
  fc.assert(
    fc.property(fc.string(), fc.array(point), scale, scale, (name, points, x, y) => {
      const svg = drawFigure({
        title: name,
        rows: [{
          title: name,
          charts: [{
            title: name,
            x: { label: name, scale: x },
            y: { label: name, scale: y },
            series: [{ kind: "line", name, points }],
          }],
        }],
      });
      elementsOf(svg);
      assert.doesNotMatch(svg, /NaN|Infinity/);
    }),
  );
});
