import { TranslationOutlined } from "@ant-design/icons";
import { Tooltip } from "antd";
import { chooseLanguage, useText } from "../i18n";

export function LanguageButton() {
  const { say, language } = useText();
  const next = language === "zh" ? "en" : "zh";
  const shown = next === "zh" ? "中文" : "EN";
  return (
    <Tooltip title={say("frame.language")}>
      <button
        type="button"
        className="icon-button"
        lang={next === "zh" ? "zh-CN" : "en"}
        aria-label={`${say("frame.language")}: ${shown}`}
        onClick={() => chooseLanguage(next)}
      >
        <TranslationOutlined />
        <span>{shown}</span>
      </button>
    </Tooltip>
  );
}
