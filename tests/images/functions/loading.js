/** Rejects while it is loaded. */
Promise.reject(new Error("while loading"));
exports.handler = () => "loaded";
