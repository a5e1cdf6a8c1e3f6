import { type JSX, useCallback, useEffect, useState } from "react";
import { useHost } from "../app";
import type { DeviceRow } from "../host/host";
import { useWords, type Words } from "../i18n";
import { useDialogs } from "../ui/dialogs";
import { Icon } from "../ui/icons";
import { Empty, Spinner, SubPage } from "../ui/parts";
import { messageOf } from "./problem";

/** Where this customer is signed in, with a way to end each. */
export function Devices(): JSX.Element {
  const { t, when } = useWords();
  const host = useHost();
  const { ask, toast } = useDialogs();
  const [devices, setDevices] = useState<readonly DeviceRow[] | null>(null);
  const [problem, setProblem] = useState("");

  const load = useCallback(async () => {
    setProblem("");
    try {
      setDevices(await host.devices());
    } catch (failure) {
      setProblem(messageOf(failure, t));
    }
  }, [host, t]);
  useEffect(() => void load(), [load]);

  const out = async (device: DeviceRow): Promise<void> => {
    if (!(await ask({ title: t("device_out"), text: t("device_out_ask"), isDanger: true }))) return;
    try {
      await host.signOutDevice(device.id);
      toast(t("device_outed"));
      await load();
    } catch (failure) {
      toast(messageOf(failure, t));
    }
  };

  return (
    <SubPage title={t("devices")} back="me">
      {problem && <Empty icon="alert" title={problem} hint={t("load_failed_hint")} />}
      {!problem && devices === null && <Spinner label={t("opening")} />}
      {devices?.map((device) => (
        <section className="card device" key={device.id}>
          <span className="row-icon">
            <Icon name="device" />
          </span>
          <span className="row-text">
            <b>{device.model || platformName(t, device.platform)}</b>
            <small>{t("last_seen", { when: when(device.lastSeenMs) })}</small>
          </span>
          {device.isThis ? (
            <span className="tag">{t("this_device")}</span>
          ) : (
            <button type="button" className="button small quiet" onClick={() => void out(device)}>
              {t("sign_out")}
            </button>
          )}
        </section>
      ))}
    </SubPage>
  );
}

/** The words for a client app's channel; its own name where there are none. */
function platformName(t: Words["t"], platform: string): string {
  if (platform === "web") return t("platform_web");
  return platform === "app" ? t("platform_app") : platform;
}
