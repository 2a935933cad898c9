/**
 * References of functions to secrets: `NAME`, `NAME=VARIABLE` or `NAME=/run/secrets/FILE`.
 *
 * @module
 */

import { ServerledgeError } from "../base/errors.ts";
import * as v from "valibot";

/** Folder of the files with secrets in an instance. */
export const secretFolder = "/run/secrets";
/** Maximum number of secrets of a function. */
export const maxSecretsOfFunction = 32;

const nameForm = /^[A-Za-z0-9][A-Za-z0-9_-]{0,127}$/;
const variableForm = /^[A-Za-z_][A-Za-z0-9_]{0,127}$/;
const fileForm = /^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$/;

/** Schema of the name of a secret. */
export const secretName = v.pipe(
  v.string("expected a string"),
  v.regex(
    nameForm,
    "expected 1 to 128 letters, digits, '_' or '-', starting with a letter or digit",
  ),
);

/** How an instance gets a secret: as an environment variable or as a file in {@link secretFolder}. */
export type SecretReference =
  | { readonly secret: string; readonly variable: string; readonly file?: undefined }
  | { readonly secret: string; readonly file: string; readonly variable?: undefined };

/**
 * Reads a reference.
 *
 * @returns undefined for text of another form
 */
export function parseSecretReference(text: string): SecretReference | undefined {
  const equals = text.indexOf("=");
  const secret = equals < 0 ? text : text.slice(0, equals);
  const target = equals < 0 ? text : text.slice(equals + 1);
  if (!nameForm.test(secret)) return undefined;
  if (variableForm.test(target)) return { secret, variable: target };
  const prefix = `${secretFolder}/`;
  const file = target.slice(prefix.length);
  return target.startsWith(prefix) && fileForm.test(file) ? { secret, file } : undefined;
}

/** Reads references that are valid, such as those of a registered function. */
export function secretReferences(texts: readonly string[]): SecretReference[] {
  return texts.flatMap((text) => parseSecretReference(text) ?? []);
}

/**
 * Checks the references of a definition; variables of nodes and of `Env` cannot be secrets.
 *
 * @param texts references
 * @param env the definition's variables
 * @throws `UNPROCESSABLE`
 */
export function checkSecretReferences(
  texts: readonly string[],
  env: Readonly<Record<string, string>>,
): void {
  const refuse = (problem: string): never => {
    throw new ServerledgeError("UNPROCESSABLE", `Secrets: ${problem}`, {
      details: { path: "Secrets" },
    });
  };
  const bad = texts.find((text) => !parseSecretReference(text));
  if (bad !== undefined) {
    refuse(
      `${
        JSON.stringify(bad)
      } is not NAME (if it can be the name of a variable), NAME=VARIABLE or ` +
        "NAME=/run/secrets/FILE",
    );
  }
  const targets = secretReferences(texts).map(({ variable, file }) => file ?? variable);
  const twice = targets.find((target, at) => targets.indexOf(target) !== at);
  if (twice !== undefined) refuse(`several secrets have the same target "${twice}"`);
  for (const { variable = "" } of secretReferences(texts)) {
    if (Object.hasOwn(env, variable)) refuse(`the variable ${variable} is also in Env`);
    if (variable.startsWith("SERVERLEDGE_")) refuse(`${variable} is a variable of the node`);
  }
}
