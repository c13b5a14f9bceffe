@app.route("/api/data", methods=["POST"], provide_automatic_options=False)
def data():
    return jsonify(ok=True)


@app.after_request
def allow(response):
    if request.method != "OPTIONS":
        response.headers["Access-Control-Allow-Origin"] = PAGE
        response.headers["Access-Control-Allow-Credentials"] = "true"
    return response
