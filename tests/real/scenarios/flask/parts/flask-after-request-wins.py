CORS(app, origins=[PAGE], supports_credentials=True)


@app.after_request
def allow(response):
    response.headers["Access-Control-Allow-Origin"] = request.headers.get("Origin", "*")
    return response
