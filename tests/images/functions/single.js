module.exports = (params) => ({ single: params });
