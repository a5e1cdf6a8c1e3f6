postMessage("a worker of the package runs");
