/**
 * Schemas of request and response bodies, with their names in the reference of the API. The models
 * define the large schemas; this module defines those with few fields.
 *
 * @module
 */

import * as v from "valibot";
import { errorCodes, ServerledgeError } from "../base/errors.ts";
import { grantSchema, listedKeySchema } from "../access/key.ts";
import { memberSchema } from "../cluster/members.ts";
import { definitionSchema, functionSchema } from "../model/function.ts";
import { imageSchema, prunedSchema, pulledSchema } from "../images/status.ts";
import { invokeSchema, reportSchema } from "../model/invocation.ts";
import { foldKeys, isObject, keyIndex, parse } from "../json/json.ts";
import { type Inside, wireNames } from "../json/wire_names.ts";
import { statusSchema } from "../model/status.ts";
import { listedLoginSchema } from "../secrets/image_logins.ts";
import { listedSecretSchema, secretFunctions } from "../secrets/record.ts";

/** Adds the name in the reference to a schema. */
function named<S extends v.GenericSchema>(ref: string, schema: S) {
  return v.pipe(schema, v.metadata({ ref }));
}

const text = (meaning: string) => v.pipe(v.string("expected a string"), v.description(meaning));
const functionName = text("Name of the function");

/** Body of `POST /delete`. */
export const deletionSchema = v.object({ Name: functionName });

/** Maximum number of instances that one request may pre-warm. */
const maxPrewarm = 1000;

/** Body of `POST /prewarm`. */
export const prewarmSchema = v.object({
  Function: functionName,
  Instances: v.nullish(
    v.pipe(
      v.number("expected a number"),
      v.integer("expected an integer"),
      v.minValue(0, "expected 0 or more"),
      v.maxValue(maxPrewarm, `expected at most ${maxPrewarm}`),
      v.description("Number of idle instances to start; 0: only pull the image"),
    ),
    0,
  ),
  ForceImagePull: switchOf("Pull the image even if it is present"),
});

/** Maximum number of images that one request may fetch. */
const maxImages = 100;

/** Body of `POST /images/pull`. */
export const pullSchema = v.object({
  Images: v.nullish(
    v.pipe(
      v.array(
        v.pipe(
          v.string("expected a string"),
          v.regex(/^[A-Za-z0-9][A-Za-z0-9._/:@-]{0,254}$/, "expected the name of an image"),
        ),
        "expected a list",
      ),
      v.maxLength(maxImages, `expected at most ${maxImages}`),
      v.description("Names of images; empty: all required images that are missing"),
    ),
    [],
  ),
  Refresh: switchOf("Pull the images even if they are present"),
});

/** Body of `POST /images/prune`. */
export const pruneSchema = v.object({
  DryRun: switchOf("Only report what would be removed"),
  Unpublished: switchOf(
    "Also remove images that were built or loaded on this machine and that no registry is known to have",
  ),
});

/** Returns the schema of a boolean field with the default false. */
function switchOf(meaning: string) {
  return v.nullish(v.pipe(v.boolean("expected true or false"), v.description(meaning)), false);
}

const bodyExceptions = { Function: "functionName", MemoryMB: "memoryMib" } as const;

/**
 * Returns a reader for flat request bodies.
 *
 * @param schema schema of the body
 * @returns reader of parsed JSON with keys in any case; it throws `INVALID_REQUEST` with the invalid field
 */
export function bodyOf<S extends v.ObjectSchema<v.ObjectEntries, undefined>>(
  schema: S,
): (body: unknown) => Inside<v.InferOutput<S>, typeof bodyExceptions> {
  const keys = keyIndex(Object.keys(schema.entries));
  const { fromWire } = wireNames(schema, bodyExceptions);
  return (body) => {
    if (isObject(body)) return fromWire(parse(schema, foldKeys(body, keys)));
    throw new ServerledgeError("INVALID_REQUEST", "The body must be a JSON object");
  };
}

/** Health of a node: response of `GET /healthz`. */
export const healthSchema = v.object({
  Status: v.pipe(
    v.picklist(["ok", "degraded", "unavailable"]),
    v.description("degraded: works, with problems; unavailable: can serve nothing"),
  ),
  Problems: v.pipe(v.array(v.string()), v.description("Current problems, one sentence each")),
  Node: v.pipe(v.string(), v.description("Id of the node that responds")),
});

/** Maximum time for which the former secret of a rotated key stays valid, s. */
const maxOverlapS = 90 * 86_400;

/** Body of `POST /keys/:key/rotate`. */
export const rotationSchema = v.object({
  OverlapS: v.nullish(
    v.pipe(
      v.number("expected a number"),
      v.minValue(0, "expected 0 or more"),
      v.maxValue(maxOverlapS, `expected at most ${maxOverlapS}`),
      v.description("Time for which the former key stays valid, s"),
    ),
    3600,
  ),
  Force: switchOf("Rotate it even if the former key is still valid, which then becomes invalid"),
});

/** Body of `POST /keys/:key/revoke`. */
export const revocationSchema = v.object({
  Force: switchOf("Revoke it even if it is the last valid key of an admin"),
});

/** Body of `PUT /images/logins/:registry`. */
export const loginSchema = v.object({
  Username: v.pipe(text("Name of the user"), v.minLength(1), v.maxLength(256)),
  Password: v.pipe(text("Password or access token"), v.minLength(1), v.maxLength(8192)),
});

/** Body of `PUT /secrets/:secret`. */
export const secretChangeSchema = v.object({
  Value: v.nullish(text("The secret, if it is text")),
  Base64: v.nullish(
    v.pipe(
      v.string("expected a string"),
      v.base64("expected base64"),
      v.description("The secret in base64, instead of Value"),
    ),
  ),
  Functions: v.nullish(secretFunctions),
  Restart: switchOf("Replace the instances that have the former value"),
});

/** Schemas of request bodies, with their names. */
export const requests = {
  grant: named("Grant", grantSchema),
  rotation: named("Rotation", rotationSchema),
  revocation: named("Revocation", revocationSchema),
  invocation: named("InvokeRequest", invokeSchema),
  definition: named("Function", definitionSchema),
  changes: named(
    "FunctionChanges",
    v.strictObject(v.partial(v.omit(definitionSchema, ["Name"])).entries),
  ),
  deletion: named("Deletion", deletionSchema),
  prewarm: named("Prewarm", prewarmSchema),
  pull: named("Pull", pullSchema),
  prune: named("Prune", pruneSchema),
  secret: named("SecretChange", secretChangeSchema),
  login: named("ImageLoginChange", loginSchema),
};

const errorCode = named(
  "ErrorCode",
  v.pipe(v.picklist(errorCodes), v.description("Machine-readable cause of the error")),
);
const report = named("Report", reportSchema);
const accepted = named(
  "Accepted",
  v.object({ ReqId: text("Id with which to poll for the result") }),
);

/** Schemas of response bodies, with their names. */
export const answers = {
  invocation: v.union([report, accepted]),
  pending: named(
    "Pending",
    v.object({ ReqId: text("Id of the invocation"), Status: v.literal("pending") }),
  ),
  result: named(
    "AsyncReport",
    v.object({
      ...reportSchema.entries,
      Code: v.optional(errorCode),
      Message: v.optional(text("Cause of the failure, for people; only if Success is false")),
      Details: v.optional(
        v.pipe(v.record(v.string(), v.unknown()), v.description("Details of the failure")),
      ),
    }),
  ),
  created: named("Created", v.object({ Created: functionName })),
  updated: named("Updated", v.object({ Updated: functionName })),
  deleted: named("Deleted", v.object({ Deleted: functionName })),
  functions: named(
    "Functions",
    v.union([v.array(v.string()), v.array(functionSchema)]),
  ),
  prewarmed: named(
    "Prewarmed",
    v.object({ Prewarmed: v.pipe(v.number(), v.description("Number of instances started")) }),
  ),
  status: named("Status", statusSchema),
  health: named("Health", healthSchema),
  policy: named(
    "Policy",
    v.object({
      Node: text("Id of the node whose policy this is"),
      Policy: text("Name of the policy"),
      Explains: v.pipe(v.boolean(), v.description("False if the policy does not learn")),
      Estimates: v.pipe(
        v.record(v.string(), v.array(v.record(v.string(), v.unknown()))),
        v.description("Current estimates of the policy, as tables by title"),
      ),
      Decisions: v.array(v.object({
        AgoMs: v.pipe(v.number(), v.description("Age of the decision, ms")),
        Function: functionName,
        Class: text("Name of the request's QoS class"),
        Decision: v.picklist(["run", "wait", "offload", "reject"]),
        To: v.nullable(text("Node that the request was offloaded to")),
        Reason: text("Reason of the decision"),
      })),
    }),
  ),
  nodes: named(
    "Nodes",
    v.object({
      Node: text("Id of the node whose view this is"),
      Nodes: v.array(named("Member", memberSchema)),
    }),
  ),
  images: named("Images", v.object({ Images: v.array(named("Image", imageSchema)) })),
  pulled: named("PulledImages", pulledSchema),
  pruned: named("PrunedImages", prunedSchema),
  logs: named("Logs", v.object({ Function: functionName, Lines: v.array(v.string()) })),
  keys: named(
    "Keys",
    v.object({
      Keys: v.array(named("Key", listedKeySchema)),
      Unreadable: v.array(
        v.object({
          Name: text("Name of the key"),
          Problem: text("Why its record in the registry is unreadable"),
        }),
      ),
    }),
  ),
  ownKey: named(
    "OwnKey",
    v.object({
      Required: v.boolean(),
      Key: v.nullable(
        v.object({
          ...grantSchema.entries,
          Name: text("Name of the key; for a token, its subject and the host of its issuer"),
        }),
      ),
    }),
  ),
  issuedKey: named(
    "IssuedKey",
    v.object({
      Name: text("Name of the key"),
      Id: text("Public part of the key"),
      Key: text("The key, which is not shown again"),
    }),
  ),
  revoked: named("Revoked", v.object({ Revoked: text("Name of the key") })),
  imageLogins: named(
    "ImageLogins",
    v.object({ Logins: v.array(named("ImageLogin", listedLoginSchema)) }),
  ),
  loggedIn: named("LoggedIn", v.object({ LoggedIn: text("Registry") })),
  loggedOut: named("LoggedOut", v.object({ LoggedOut: text("Registry") })),
  secrets: named(
    "Secrets",
    v.object({ Secrets: v.array(named("Secret", listedSecretSchema)) }),
  ),
  secretSet: named("SecretSet", v.object({ Set: text("Name of the secret") })),
  secretDeleted: named("SecretDeleted", v.object({ Deleted: text("Name of the secret") })),
  secretKey: named(
    "SecretKey",
    v.object({
      KeyId: text("Id of the key that encrypts the secrets"),
      Secrets: v.pipe(v.number(), v.description("Number of secrets")),
    }),
  ),
  error: named(
    "Error",
    v.looseObject({
      code: errorCode,
      message: text("What failed and what to do, for people"),
    }),
  ),
};
