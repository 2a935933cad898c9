module.exports = (params) => ({ next: params.n + 1 });
