#!/usr/bin/env python3
"""A Tornado handler that answers GET /job/{id} with JSON, the way a scheduler in Python does.

usage: tornado_job.py PORT ID JSON_FILE
"""
import json
import sys
from pathlib import Path

import tornado.ioloop
import tornado.web

port, job_id, file = sys.argv[1:]
JOBS = {job_id: json.loads(Path(file).read_text())}


class JobHandler(tornado.web.RequestHandler):
    def get(self, wanted):
        job = JOBS.get(wanted)
        if job is None:
            self.set_status(404)
            self.write({"message": f"job with id {wanted} not found"})
            return
        self.write(job)


tornado.web.Application([(r"/job/([0-9a-f]+)", JobHandler)]).listen(int(port), "127.0.0.1")
tornado.ioloop.IOLoop.current().start()
