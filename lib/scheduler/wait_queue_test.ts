import assert from "node:assert/strict";
import { fakeRecord } from "../../tests/support/fakes/fake_environment.ts";
import { defaultClass, type QosClass } from "../model/qos.ts";
import { type Waiter, WaitQueue } from "./wait_queue.ts";

const gold: QosClass = { ...defaultClass, name: "gold", id: 1, weight: 3 };
const f = fakeRecord();
let time = 0;

function waiter(change: Partial<Waiter> = {}): Waiter {
  const common = { record: f, qosClass: defaultClass, startsInstance: false };
  return { ...common, arrivedAt: time++, answerBy: Infinity, ...change };
}

function serveAll(queue: WaitQueue<Waiter>): Waiter[] {
  const served: Waiter[] = [];
  for (let next = queue.first(f.version); next; next = queue.first(f.version)) {
    queue.dequeue(next);
    served.push(next);
  }
  return served;
}

Deno.test("WaitQueue: serves requests without deadlines in order of arrival", () => {
  const queue = new WaitQueue();
  const all = Array.from({ length: 5 }, () => waiter());
  for (const each of all) queue.add(each);
  assert.deepEqual(serveAll(queue), all);
  assert.equal(queue.size, 0);
});

Deno.test("WaitQueue: serves the earliest deadline of a class first", () => {
  const queue = new WaitQueue();
  const [late, never, soon] = [waiter({ answerBy: 900 }), waiter(), waiter({ answerBy: 300 })];
  for (const each of [late!, never!, soon!]) queue.add(each);
  assert.deepEqual(serveAll(queue), [soon, late, never]);
});

Deno.test("WaitQueue: classes share by weight and none starves", () => {
  const queue = new WaitQueue();
  for (let i = 0; i < 40; i++) {
    queue.add(waiter());
    queue.add(waiter({ qosClass: gold }));
  }
  const first = serveAll(queue).slice(0, 40);
  const goldShare = first.filter(({ qosClass }) => qosClass === gold).length;
  assert(goldShare >= 28 && goldShare <= 32, `${goldShare} of 40`);
});

Deno.test("WaitQueue: a class that was idle does not catch up", () => {
  const queue = new WaitQueue();
  for (let i = 0; i < 100; i++) queue.add(waiter());
  for (let i = 0; i < 90; i++) queue.dequeue(queue.first(f.version)!);
  for (let i = 0; i < 10; i++) queue.add(waiter({ qosClass: gold }));
  const next = serveAll(queue).slice(0, 8);
  assert(next.some(({ qosClass }) => qosClass === defaultClass));
});

Deno.test("WaitQueue: a removed request is gone, and requests that wait for a start do not count as queued", () => {
  const queue = new WaitQueue();
  const [one, two] = [waiter({ startsInstance: true }), waiter()];
  queue.add(one!);
  queue.add(two!);
  assert.deepEqual([queue.size, queue.queued, queue.count(f.version)], [2, 1, 2]);
  assert(queue.remove(one!));
  assert(!queue.remove(one!));
  assert.deepEqual([queue.size, queue.queued], [1, 1]);
});

Deno.test("WaitQueue: ahead predicts a newcomer's turn from weights and deadlines", () => {
  const queue = new WaitQueue();
  const predicted = (newcomer: Waiter) => {
    const copy = new WaitQueue();
    for (const each of queue.all(f.version)) copy.add(each);
    copy.add(newcomer);
    const turn = serveAll(copy).indexOf(newcomer);
    const ahead = queue.ahead(newcomer);
    // If the turns of two classes coincide, either may be first.
    assert(Math.abs(turn - ahead) <= 1, `${ahead} are ahead, but ${turn} went before`);
    return ahead;
  };
  assert.equal(predicted(waiter()), 0);
  for (let i = 0; i < 12; i++) queue.add(waiter());
  assert.equal(predicted(waiter()), 12);
  assert.equal(predicted(waiter({ qosClass: gold })), 0);
  for (let i = 0; i < 6; i++) queue.add(waiter({ qosClass: gold, answerBy: 1000 + i }));
  assert.equal(predicted(waiter({ qosClass: gold, answerBy: 2000 })), 8);
  assert.equal(predicted(waiter({ qosClass: gold, answerBy: 500 })), 0);
  assert.equal(predicted(waiter()), 18);
});
