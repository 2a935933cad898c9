module.exports = (params) => ({ message: `Hello, ${params?.name ?? "world"}!` });
