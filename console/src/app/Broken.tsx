/** What stands where a page failed to load or to draw. */

import { Button } from "antd";
import { isRouteErrorResponse, Link, useRouteError } from "react-router";
import { useText } from "../i18n";

export function Broken() {
  const { say } = useText();
  const error = useRouteError();
  const isMissing = isRouteErrorResponse(error) && error.status === 404;
  return (
    <div className="page">
      <div className="panel blank" role="alert">
        <h1 style={{ fontSize: 17 }}>{say(isMissing ? "common.notFound" : "common.broken")}</h1>
        <p>{say(isMissing ? "common.notFoundHint" : "common.brokenHint")}</p>
        {error instanceof Error ? <code className="small wrap">{error.message}</code> : null}
        <Button type="primary" onClick={() => location.reload()}>
          {say("common.reload")}
        </Button>
      </div>
    </div>
  );
}

export function NotFound() {
  const { say } = useText();
  return (
    <div className="panel blank">
      <h1 style={{ fontSize: 17 }}>{say("common.notFound")}</h1>
      <p>{say("common.notFoundHint")}</p>
      <Link to="/">
        <Button type="primary">{say("common.toOverview")}</Button>
      </Link>
    </div>
  );
}
