import assert from "node:assert/strict";
import { formatMessage } from "@optique/core/message";
import { qosClass } from "./qos_class.ts";

Deno.test("qosClass: accepts an integer or a name", () => {
  for (const text of ["0", "-1", "12", "critical", "best-effort", "v1.5"]) {
    assert.deepEqual(qosClass.parse(text), { success: true, value: text });
  }
});

Deno.test("qosClass: refuses other texts with a hint", () => {
  for (const text of ["", "  ", "1.5", "-0.5", ".5", "1.", "1.5e3"]) {
    const result = qosClass.parse(text);
    assert.ok(!result.success, text);
    assert.match(
      formatMessage(result.error),
      /is not a QoS class: use its number \(an integer\) or/,
    );
  }
});
