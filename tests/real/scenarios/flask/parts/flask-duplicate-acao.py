@app.after_request
def allow(response):
    response.headers.add("Access-Control-Allow-Origin", request.headers.get("Origin", "*"))
    return response


CORS(app, origins=[PAGE], supports_credentials=True)
