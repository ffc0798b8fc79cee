/** What is known about a picture, and where it leads. */
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { Copy, ImagePlus, PenLine } from "lucide-react";
import type { ReactNode } from "react";
import type { Pictured } from "@/shared/api/assets";
import { modelName, takesReferences, useModels, useStyles } from "@/shared/api/catalogue";
import { jobQuery, refresh } from "@/shared/api/jobs";
import type { AssetFilter } from "@/shared/api/types";
import { Button, buttonClass } from "@/shared/ui/Button";
import { copy } from "@/shared/ui/clipboard";
import { bytes, duration, moment, size } from "@/shared/ui/format";
import { Picture } from "@/shared/ui/Picture";
import { Receipt } from "@/shared/ui/Receipt";
import styles from "./lightbox.module.css";
import { Relatives } from "./Relatives";

type Props = { asset: Pictured; hidden: boolean; filter: AssetFilter };

export function Facts({ asset, hidden, filter }: Props) {
  const cache = useQueryClient();
  const { models } = useModels();
  const guides = useStyles();
  const { data } = useQuery({
    ...jobQuery(asset.job_id ?? "none"),
    enabled: asset.job_id !== null && !hidden,
  });
  const job = data?.job;
  const prompt = asset.prompt;
  const refined =
    job?.optimized_prompt && job.optimized_prompt !== prompt ? job.optimized_prompt : null;
  const siblings = (job?.outputs ?? []).flatMap((output) => output.asset ?? []);

  return (
    <aside className={styles.facts} aria-label="Facts" hidden={hidden}>
      <h1 className={styles.prompt}>
        {prompt ?? (asset.kind === "upload" ? "Uploaded picture" : "Picture")}
      </h1>
      <div className={styles.does}>
        {prompt && (
          <Link to="/" search={{ prompt }} className={buttonClass("outline")}>
            <PenLine aria-hidden />
            Use this prompt
          </Link>
        )}
        {takesReferences(models) && (
          <Link to="/" search={{ reference: asset.id }} className={buttonClass("outline")}>
            <ImagePlus aria-hidden />
            Use as reference
          </Link>
        )}
        {prompt && (
          <Button onClick={() => copy(prompt, "Prompt")}>
            <Copy aria-hidden />
            Copy prompt
          </Button>
        )}
      </div>
      <dl>
        <Fact name="Model">{asset.model && modelName(models, asset.model)}</Fact>
        <Fact name="Chosen">{job?.requested_model === "auto" && job.model_reason}</Fact>
        <Fact name="Style">
          {job?.style && (guides.find((guide) => guide.id === job.style)?.name ?? job.style)}
        </Fact>
        <Fact name="Size">{size(asset.width, asset.height)}</Fact>
        <Fact name="File">
          {asset.content_type.replace("image/", "").toUpperCase()}, {bytes(asset.bytes)}
        </Fact>
        <Fact name="Seed">{asset.seed !== null && <code>{asset.seed}</code>}</Fact>
        <Fact name="Time">
          {job?.duration_ms != null && !job.reused && duration(job.duration_ms)}
        </Fact>
        <Fact name="Made">{moment(asset.created_at)}</Fact>
        <Fact name="Without">{job?.negative_prompt}</Fact>
      </dl>
      {job && (
        <section>
          <h2>What it cost</h2>
          <Receipt job={job} />
        </section>
      )}
      {refined && (
        <section>
          <h2>How it was put</h2>
          <p className={styles.refined}>{refined}</p>
        </section>
      )}
      {siblings.length > 1 && (
        <section>
          <h2>From the same prompt</h2>
          <ul className={styles.strip}>
            {siblings.map((one, i) => (
              <li key={one.id}>
                <Link
                  to="/i/$id"
                  params={{ id: one.id }}
                  search={filter}
                  replace
                  aria-label={`Variation ${i + 1}`}
                  aria-current={one.id === asset.id ? "true" : undefined}
                  style={{ aspectRatio: one.width / one.height }}
                >
                  <Picture
                    asset={one}
                    sizes="72px"
                    onExpired={() => job && refresh(cache, job.id)}
                  />
                </Link>
              </li>
            ))}
          </ul>
        </section>
      )}
      <Relatives title="Made from" ids={asset.parents} filter={filter} />
      <Relatives title="Used for" ids={asset.children} filter={filter} />
    </aside>
  );
}

function Fact({ name, children }: { name: string; children: ReactNode }) {
  if (!children) return null;
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}
