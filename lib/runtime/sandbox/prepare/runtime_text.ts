/**
 * Module that is added to prepared code. It implements `import()` with computed specifiers, `import.meta` and
 * CommonJS.
 *
 * @module
 */

/** Path of the module that replaces `node:process`. The original gives access to every module. */
export const processPath = "process.js";
/** Text of the module that replaces `node:process`. */
export const processText = `const process=globalThis.process;export default process;
export const {env,argv,platform,arch,version,versions,pid,cwd,exit,nextTick,hrtime,memoryUsage,uptime,
stdin,stdout,stderr,on,once,off,emitWarning}=process;`;

/** Path of the runtime module among the prepared files. */
export const runtimePath = "runtime.js";

/**
 * Returns the text of the runtime module. It imports only the listed modules: a function cannot access any
 * other file, even if it modifies the objects that the module uses.
 *
 * @param thunks expression that imports a module, by path or name of the module
 * @param entry path of the function's main file
 */
export function runtimeText(thunks: ReadonlyMap<string, string>, entry: string): string {
  const table = [...thunks].map(([key, thunk]) => `[${JSON.stringify(key)},()=>${thunk}]`);
  return `const modules=new Map([${table.join(",\n")}]);
const entry=${JSON.stringify(entry)};
${runtimeCode}`;
}

const runtimeCode = `
const extensions = ["", ".ts", ".mts", ".js", ".mjs", ".cjs", ".json", "/index.ts", "/index.js"];
export async function dynamic(from, specifier) {
  const text = String(specifier);
  let path = text;
  if (text.startsWith("./") || text.startsWith("../")) {
    path = decodeURIComponent(new URL(text, "file:///" + encodeURI(from)).pathname.slice(1));
  } else if (text.startsWith("file:///app/")) {
    path = decodeURIComponent(text.slice("file:///app/".length));
  }
  for (const extension of extensions) {
    const load = modules.get(path + extension);
    if (load) return await load();
  }
  throw new TypeError(
    "Cannot import " + JSON.stringify(text) + " from " + from +
      ": only modules of the function's archive can be imported",
  );
}
export function meta(path) {
  const url = "file:///app/" + encodeURI(path);
  return {
    url,
    filename: "/app/" + path,
    dirname: ("/app/" + path).replace(/\\/[^/]*$/, ""),
    main: path === entry,
    resolve: (specifier) => new URL(specifier, url).href,
  };
}
export function missing(message) {
  return Promise.reject(new TypeError(message));
}
const definitions = new Map();
export function define(path, requires, factory) {
  definitions.set(path, { requires: new Map(Object.entries(requires)), factory });
}
export function load(path) {
  const definition = definitions.get(path);
  if (definition.module) return definition.module.exports;
  const module = definition.module = { exports: {}, id: path, filename: "/app/" + path, loaded: false };
  const require = (specifier) => {
    const found = definition.requires.get(specifier);
    if (typeof found === "string") return load(found);
    if (typeof found === "function") return found();
    const error = new Error("Cannot find module " + JSON.stringify(specifier) + " from " + path);
    error.code = "MODULE_NOT_FOUND";
    throw error;
  };
  require.main = undefined;
  require.cache = {};
  require.resolve = (specifier) => specifier;
  module.require = require;
  const { filename } = module;
  definition.factory.call(
    module.exports, module.exports, require, module, filename, filename.replace(/\\/[^/]*$/, ""),
  );
  module.loaded = true;
  return module.exports;
}
`;
