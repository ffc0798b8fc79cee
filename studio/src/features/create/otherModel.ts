import type { Job, Model } from "@/shared/api/types";

const cheapest = (model: Model): number => Math.min(...model.price.map((price) => price.credits));

/** Whether it would take the order at all. */
const takes = ({ capabilities: can, prompt_max }: Model, job: Job): boolean =>
  can.references_max >= job.references.length &&
  can.count_max >= job.count &&
  (can.negative_prompt || !job.negative_prompt) &&
  (can.mask || !job.mask) &&
  prompt_max >= job.prompt.length;

/** A model worth trying instead: cheaper when credits are short, else another provider's, the quickest first. */
export function otherModel(models: readonly Model[], job: Job): Model | undefined {
  const able = models.filter(
    (model) =>
      model.available && model.kind === job.type && model.id !== job.model && takes(model, job),
  );
  const short = job.error?.code === "insufficient_credits";
  const fits = short
    ? able.filter((model) => cheapest(model) * job.count < job.price.credits)
    : able;
  const rank = (model: Model) =>
    (model.provider === job.provider ? 10_000 : 0) +
    (short ? cheapest(model) : (model.speed.p50_seconds ?? 60));
  return fits.sort((a, b) => rank(a) - rank(b))[0];
}
