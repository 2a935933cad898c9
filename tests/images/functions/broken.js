require("./no_such_module");
module.exports = () => null;
