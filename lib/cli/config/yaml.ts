/**
 * Exports the YAML parser from a separate module that is imported on demand. The package is CommonJS,
 * and in the bundle only static imports can use the names of such a package.
 *
 * @module
 */

export { LineCounter, parseDocument } from "yaml";
