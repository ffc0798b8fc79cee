/** Other sites whose word lets one in here. */
import { useMutation } from "@tanstack/react-query";
import { confirmed } from "@/shared/api/confirm";
import { spelled, useOptions } from "@/shared/api/door";
import { FormProblem } from "@/shared/forms/FormProblem";
import { Button } from "@/shared/ui/Button";
import { Section } from "./Section";

export function Others() {
  const names = useOptions().data?.oidc ?? [];
  const connect = useMutation({ mutationFn: leaveFor });
  if (names.length === 0) return null;
  return (
    <Section title="Other logins" about="Connected once, they let you in without the password.">
      {names.map((name) => (
        <Button
          key={name}
          look="outline"
          size="large"
          disabled={connect.isPending || connect.isSuccess}
          onClick={() => connect.mutate(name)}
        >
          Connect {spelled(name)}
        </Button>
      ))}
      <FormProblem error={connect.error} />
    </Section>
  );
}

/** Asked first from here: a refusal would be all that is left of the page, and the password could not be asked for. */
async function leaveFor(name: string): Promise<void> {
  const address = `/api/auth/oidc/${name}?connect=true&next=/account`;
  await confirmed<void>(async () => {
    const response = await fetch(address, { redirect: "manual" });
    if (response.type === "opaqueredirect") return { response: new Response(null) };
    return { response, error: await response.json().catch(() => null) };
  });
  window.location.assign(address);
}
