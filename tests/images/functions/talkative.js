console.log("while loading");
module.exports = () => console.log("while running");
