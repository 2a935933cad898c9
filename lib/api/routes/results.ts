/**
 * Route `GET /poll/:reqId`: results of async invocations.
 *
 * @module
 */

import { ServerledgeError } from "../../base/errors.ts";
import { sliceBytes } from "../../base/slices.ts";
import type { WireReport } from "../../model/invocation.ts";
import { KnownResponse } from "../../http/server/web.ts";
import { jsonAnswer, jsonType } from "../headers.ts";
import { mayPoll } from "../../access/invocation_id.ts";
import type { Route } from "../route.ts";
import { answers } from "../schemas.ts";
import { reportBody } from "./invoke.ts";
import type { ApiServices } from "../services.ts";

/** Report of a failed invocation, equal to that of the Go node. The error is appended. */
const nothing: WireReport = {
  Success: false,
  Result: "",
  ResponseTime: 0,
  IsWarmStart: false,
  InitTime: 0,
  QueueingTime: 0,
  OffloadLatency: 0,
  Duration: 0,
  Output: "",
  ExecutionArea: "",
  ExecutionNode: "",
  StartTier: "",
};

/** Returns the route that polls for results. */
export function resultRoutes(services: Pick<ApiServices, "poll" | "bodies">): Route[] {
  return [{
    method: "GET",
    paths: ["/poll/:reqId"],
    // The id says who may poll.
    access: "anyone",
    description,
    async handle(context, principal) {
      const id = context.req.param("reqId")!;
      if (!mayPoll(principal, id)) throw unknownResult();
      using owned = new DisposableStack();
      const held = owned.use(services.bodies.take(0));
      const result = await services.poll(id, (bytes) => held.hold(bytes));
      switch (result?.state) {
        case "done": {
          const body = reportBody(result.report);
          const kept = body.length > sliceBytes ? owned.move() : undefined;
          return new KnownResponse(body, 200, [jsonType], kept);
        }
        case "pending":
          return jsonAnswer({ ReqId: id, Status: "pending" }, 202);
        case "failed": {
          const { code: Code, message: Message, details: Details } = result;
          return jsonAnswer({ ...nothing, Code, Message, Details });
        }
        case "kept":
        case undefined:
          throw unknownResult();
      }
    },
  }];
}

function unknownResult(): ServerledgeError {
  return new ServerledgeError(
    "RESULT_UNKNOWN",
    "There is no result for this id: the id was never issued, or the result has expired or is " +
      "damaged (which the node's log says)",
  );
}

const description: Route["description"] = {
  tag: "Invocations",
  summary: "Result of an asynchronous invocation",
  details:
    "Returns the report once the invocation has ended. If it failed, `Success` is false, and `Code`, " +
    "`Message` and `Details` describe the error. Every node of the cluster can return the result; " +
    "while etcd is unavailable, only the node that accepted the invocation can. If `Locality` is not " +
    "`any`, the result stays on the node that accepted the invocation, and other nodes respond with " +
    "403 and the `url` of that node.",
  answers: {
    200: { description: "The invocation has ended", schema: answers.result },
    202: { description: "The invocation has not ended yet", schema: answers.pending },
  },
  errors: ["FORBIDDEN", "RESULT_UNKNOWN", "NODE_SATURATED", "REGISTRY_UNAVAILABLE", "INTERNAL"],
  curl: "curl $NODE/poll/hello-8f3k2m",
};
