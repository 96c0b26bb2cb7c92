"""Run the functions of one test file under MicroPython, one request at a time.

Started by tests/unit/conftest.py as `micropython on_micropython.py MODULE`. A line on stdin is a JSON list,
the name of a function and its arguments. Its answer is a line on stdout, MARK and a JSON object:
{"result": value} or {"error": traceback}. What a test prints goes out between the answers.
"""

import io
import json
import sys

MARK = "\x1eanswer "  # a control character, which JSON escapes: it stands in no answer


def answer(module_name, request):
    try:
        function = getattr(__import__(module_name), request[0])
        return json.dumps({"result": function(*request[1:])})
    except BaseException as error:  # noqa: BLE001 - SystemExit too: a test that leaves has failed
        text = io.StringIO()
        sys.print_exception(error, text)
        return json.dumps({"error": text.getvalue()})


for line in sys.stdin:
    sys.stdout.write(MARK + answer(sys.argv[1], json.loads(line)) + "\n")
