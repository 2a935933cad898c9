/**
 * The YAML parser, in a module of its own that is imported when it is needed: the package is
 * CommonJS, and the bundle gives such a package's names to static imports only.
 *
 * @module
 */

export { LineCounter, parseDocument } from "yaml";
