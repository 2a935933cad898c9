console.log("while loading");
require("./no_such_module");
module.exports = () => null;
