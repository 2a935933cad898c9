import assert from "node:assert/strict";
import { fakeRecord } from "../../tests/support/fakes/fake_environment.ts";
import { defaultClass, type QosClass } from "../model/qos.ts";
import { type Waiter, WaitQueue } from "./wait_queue.ts";

const gold: QosClass = { ...defaultClass, name: "gold", id: 1, weight: 3 };
const f = fakeRecord();
let time = 0;

function waiter(change: Partial<Waiter> = {}): Waiter {
  const common = { record: f, qosClass: defaultClass, promised: false };
  return { ...common, arrivedAt: time++, answerBy: Infinity, ...change };
}

function serveAll(queue: WaitQueue<Waiter>): Waiter[] {
  const served: Waiter[] = [];
  for (let next = queue.first(f.Version); next; next = queue.first(f.Version)) {
    queue.take(next);
    served.push(next);
  }
  return served;
}

Deno.test("without deadlines the order is that of arrival", () => {
  const queue = new WaitQueue();
  const all = Array.from({ length: 5 }, () => waiter());
  for (const each of all) queue.add(each);
  assert.deepEqual(serveAll(queue), all);
  assert.equal(queue.size, 0);
});

Deno.test("within a class the earliest deadline is first", () => {
  const queue = new WaitQueue();
  const [late, never, soon] = [waiter({ answerBy: 900 }), waiter(), waiter({ answerBy: 300 })];
  for (const each of [late!, never!, soon!]) queue.add(each);
  assert.deepEqual(serveAll(queue), [soon, late, never]);
});

Deno.test("classes share by weight and none starves", () => {
  const queue = new WaitQueue();
  for (let i = 0; i < 40; i++) {
    queue.add(waiter());
    queue.add(waiter({ qosClass: gold }));
  }
  const first = serveAll(queue).slice(0, 40);
  const goldShare = first.filter(({ qosClass }) => qosClass === gold).length;
  assert(goldShare >= 28 && goldShare <= 32, `${goldShare} of 40`);
});

Deno.test("a class that was away does not make up for its absence", () => {
  const queue = new WaitQueue();
  for (let i = 0; i < 100; i++) queue.add(waiter());
  for (let i = 0; i < 90; i++) queue.take(queue.first(f.Version)!);
  for (let i = 0; i < 10; i++) queue.add(waiter({ qosClass: gold }));
  const next = serveAll(queue).slice(0, 8);
  assert(next.some(({ qosClass }) => qosClass === defaultClass));
});

Deno.test("who gives up is gone, and promised ones do not count as queued", () => {
  const queue = new WaitQueue();
  const [one, two] = [waiter({ promised: true }), waiter()];
  queue.add(one!);
  queue.add(two!);
  assert.deepEqual([queue.size, queue.queued, queue.count(f.Version)], [2, 1, 2]);
  assert(queue.remove(one!));
  assert(!queue.remove(one!));
  assert.deepEqual([queue.size, queue.queued], [1, 1]);
});

Deno.test("a newcomer's turn is foretold by weights and deadlines", () => {
  const queue = new WaitQueue();
  const foretold = (newcomer: Waiter) => {
    const copy = new WaitQueue();
    for (const each of queue.all(f.Version)) copy.add(each);
    copy.add(newcomer);
    const turn = serveAll(copy).indexOf(newcomer);
    const ahead = queue.ahead(newcomer);
    // Of two classes whose turns coincide either may be first.
    assert(Math.abs(turn - ahead) <= 1, `${ahead} are ahead, but ${turn} went before`);
    return ahead;
  };
  assert.equal(foretold(waiter()), 0);
  for (let i = 0; i < 12; i++) queue.add(waiter());
  assert.equal(foretold(waiter()), 12);
  assert.equal(foretold(waiter({ qosClass: gold })), 0);
  for (let i = 0; i < 6; i++) queue.add(waiter({ qosClass: gold, answerBy: 1000 + i }));
  assert.equal(foretold(waiter({ qosClass: gold, answerBy: 2000 })), 8);
  assert.equal(foretold(waiter({ qosClass: gold, answerBy: 500 })), 0);
  assert.equal(foretold(waiter()), 18);
});
