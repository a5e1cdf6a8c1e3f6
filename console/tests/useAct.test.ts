/** After an act everything shown is read anew, also what was just being read for the first time. */

import { QueryClient, QueryClientProvider, useQuery } from "@tanstack/react-query";
import { createElement } from "react";
import { createRoot } from "react-dom/client";
import { expect, test, vi } from "vitest";
import { useAct } from "../src/app/useAct";

test("a first answer from before the act is not taken for the present", async () => {
  const answers: ((value: string) => void)[] = [];
  const queryFn = () => new Promise<string>((resolve) => answers.push(resolve));
  let act: ReturnType<typeof useAct> = (run) => run();
  function Page() {
    act = useAct();
    return useQuery({ queryKey: ["list"], queryFn }).data ?? "loading";
  }
  const place = document.createElement("div");
  const root = createRoot(place);
  root.render(createElement(QueryClientProvider, { client: new QueryClient() }, createElement(Page)));
  await vi.waitFor(() => expect(answers).toHaveLength(1));
  const acted = act(async () => "done");
  await vi.waitFor(() => expect(answers).toHaveLength(2));
  answers[0]?.("before");
  answers[1]?.("after");
  expect(await acted).toBe("done");
  await vi.waitFor(() => expect(place.textContent).toBe("after"));
  root.unmount();
});
