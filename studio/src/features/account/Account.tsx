/** One's own account: who one is here, what it holds, how one gets in, and how one leaves. */
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { Download, LogOut } from "lucide-react";
import { useEffect, useState } from "react";
import { complaint } from "@/shared/api/client";
import { useBalance, useSpent } from "@/shared/api/credits";
import { isVisitor, meQuery } from "@/shared/api/me";
import { logOut } from "@/shared/api/session";
import type { Me } from "@/shared/api/types";
import { TypedConfirmation } from "@/shared/forms/TypedConfirmation";
import { Button, buttonClass } from "@/shared/ui/Button";
import { count } from "@/shared/ui/format";
import page from "@/shared/ui/page.module.css";
import { toast } from "@/shared/ui/toast";
import styles from "./account.module.css";
import { useDeleteMe, useFreshMe } from "./api";
import { Others } from "./Others";
import { Password } from "./Password";
import { Section } from "./Section";
import { Sessions } from "./Sessions";
import { Storage } from "./Storage";

export function Account() {
  const { data: me } = useQuery(meQuery);
  const fresh = useFreshMe();
  // biome-ignore lint/correctness/useExhaustiveDependencies: once, when somebody looks
  useEffect(fresh, []);
  if (!me) return <div className={page.page} aria-busy="true" />;
  const person = me.kind === "user";
  return (
    <div className={`${page.page} ${styles.account}`}>
      <Profile me={me} />
      <Usage />
      <Storage used={me.storage.used_bytes} max={me.storage.max_bytes} />
      {person && <Password email={me.email} />}
      {person && <Others />}
      {person && <Sessions />}
      <Section
        title="Take it along"
        about="Pictures, prompts, jobs, credits and keys (their names) in one zip."
      >
        <a className={buttonClass("outline", "large")} href="/api/me/export" download>
          <Download aria-hidden />
          Download everything
        </a>
      </Section>
      {person && <Leaving me={me} />}
    </div>
  );
}

function Profile({ me }: { me: Me }) {
  const [leaving, setLeaving] = useState(false);
  return (
    <section className={styles.profile} aria-label="Profile">
      <div>
        <h2 className={styles.name}>
          {me.kind === "local" ? "The owner of this server" : me.name}
        </h2>
        <p className={page.quiet}>
          {me.kind === "local"
            ? "One owner, no logins."
            : isVisitor(me)
              ? "Known to this browser only. Log in to keep pictures for longer."
              : [me.email, me.role === "admin" ? "administrator" : null]
                  .filter((part) => part)
                  .join(" · ")}
        </p>
      </div>
      {me.kind === "user" && (
        <Button
          look="outline"
          size="large"
          disabled={leaving}
          onClick={() => {
            setLeaving(true);
            logOut().catch((error: Error) => {
              setLeaving(false);
              toast(complaint(error));
            });
          }}
        >
          <LogOut aria-hidden />
          Log out
        </Button>
      )}
      {isVisitor(me) && (
        <Link to="/login" search={{ back: "/account" }} className={buttonClass("primary", "large")}>
          Log in
        </Link>
      )}
    </section>
  );
}

function Usage() {
  const spent = useSpent(true);
  const balance = useBalance();
  const figures = [
    {
      name: "Credits available",
      value: !balance ? "…" : balance.unlimited ? "Unlimited" : count(balance.available),
    },
    { name: "Credits used in 30 days", value: spent ? count(spent.credits) : "…" },
    { name: "Pictures in 30 days", value: spent ? count(spent.images) : "…" },
  ];
  return (
    <Section title="Usage">
      <dl className={styles.figures}>
        {figures.map(({ name, value }) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
    </Section>
  );
}

function Leaving({ me }: { me: Me }) {
  const [asking, setAsking] = useState(false);
  const remove = useDeleteMe();
  const word = me.email ?? me.name;
  return (
    <Section
      title="Delete this account"
      about="You are logged out everywhere, your keys end and what runs is cancelled, at once. Pictures, prompts and your name go for good some days later; until then an administrator can bring them back."
    >
      <Button look="outline" size="large" onClick={() => setAsking(true)}>
        Delete this account
      </Button>
      {asking && (
        <TypedConfirmation
          title="Delete this account?"
          word={word}
          action="Delete"
          busy={remove.isPending || remove.isSuccess}
          error={remove.error}
          onConfirm={() => remove.mutate(word)}
          onClose={() => setAsking(false)}
        >
          <p>Take your pictures along first, if you want to keep them.</p>
        </TypedConfirmation>
      )}
    </Section>
  );
}
