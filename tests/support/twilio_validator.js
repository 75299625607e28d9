// An app that checks requests with Twilio's own package for Node, as its middleware for Express does:
// 200 if the signature is right, else 403. Arguments: the folder with node_modules, and the auth token.
const http = require("http");
const querystring = require("querystring");
const [folder, token] = process.argv.slice(2);
const { validateExpressRequest } = require(`${folder}/node_modules/twilio`);

const server = http.createServer((request, response) => {
  const chunks = [];
  request.on("data", (chunk) => chunks.push(chunk));
  request.on("end", () => {
    // What Express adds, with "trust proxy" and its parser of forms.
    request.originalUrl = request.url;
    request.protocol = request.headers["x-forwarded-proto"] || "http";
    request.header = (name) => request.headers[name.toLowerCase()];
    request.body = querystring.parse(Buffer.concat(chunks).toString());
    response.writeHead(validateExpressRequest(request, token) ? 200 : 403);
    response.end();
  });
});
server.listen(0, "127.0.0.1", () => console.log(server.address().port));
