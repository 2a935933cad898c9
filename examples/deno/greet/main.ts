/** A function in two files: `serverledge create greet --runtime deno --src . --handler main`. */

import { greeting, type Language } from "./greetings.ts";

interface Params {
  name?: string;
  language?: Language;
}

interface Context {
  functionName: string;
  requestId: string;
  remainingMs(): number;
}

export default function greet(params: Params | null, context: Context) {
  const { name = "world", language = "en" } = params ?? {};
  console.log("%s greets %s, %d ms left", context.functionName, name, context.remainingMs());
  return { message: `${greeting(language)}, ${name}!` };
}
