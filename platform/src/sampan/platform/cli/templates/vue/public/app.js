// The package format asks for an app.js. This app's script is built from src/.
