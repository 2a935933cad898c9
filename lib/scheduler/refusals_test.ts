import assert from "node:assert/strict";
import { sampleRecord } from "../../tests/contract/registry.ts";
import { defaultRequest, type InvokeRequest } from "../model/invocation.ts";
import { rejection } from "./refusals.ts";

const messageOf = (locality: InvokeRequest["Locality"]) =>
  rejection("NO_SUITABLE_NODE", {
    record: { ...sampleRecord("f"), Locality: ["A", "B"] },
    request: { ...defaultRequest, Locality: locality },
    refusal: undefined,
    answerBy: Infinity,
    offloadForbidden: false,
  }, { queueIsFull: false, memoryMib: 1024 }).message;

Deno.test("where no node is suitable, the localities of function and request are named", () => {
  assert.match(messageOf("area"), /locality of the function A or B, of the request area/);
  assert.match(messageOf(["B", "C"]), /locality of the function A or B, of the request B or C/);
});
