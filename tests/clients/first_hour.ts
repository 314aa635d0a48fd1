// What a client of openapi-typescript and openapi-fetch is used for first. Prints the status of the job, then the
// cause of each image that failed.
import createClient from "openapi-fetch";
import type { components, paths } from "./service.js";

declare const process: { argv: string[] };

const seconds = 60;
const client = createClient<paths>({ baseUrl: process.argv[2] });

const visit = {
  store_id: "no such store",
  image_url: ["https://photos.example/a.jpg", "https://photos.example/b.jpg"],
  visit_time: "2026-11-20",
};
const submitted = await client.POST("/api/v1/jobs", { body: { visits: [visit] } });
if (submitted.data === undefined || !("job_id" in submitted.data)) throw new Error(JSON.stringify(submitted));
const path = { job_id: submitted.data.job_id };

let job: components["schemas"]["Job"] | undefined;
for (const until = Date.now() + seconds * 1000; Date.now() < until; ) {
  job = (await client.GET("/api/v1/jobs/{job_id}", { params: { path } })).data;
  if (job?.status !== "ongoing") break;
  await new Promise((resume) => setTimeout(resume, 100));
}
console.log(job?.status, job?.images.failed);

const query = { outcome: ["failed" as const] };
const page = await client.GET("/api/v1/jobs/{job_id}/results", { params: { path, query } });
const rows = typeof page.data === "object" ? page.data.items : []; // a text, if CSV was asked for
console.log(...rows.map((row) => row.cause));

const missing = await client.GET("/api/v1/jobs/{job_id}", { params: { path: { job_id: "nothing" } } });
console.log(missing.error && "detail" in missing.error ? missing.error.detail : missing.error);
