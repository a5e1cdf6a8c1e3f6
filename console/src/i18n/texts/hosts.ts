export const hosts = {
  title: ["网址", "Hosts"],
  lead: ["客户在这些网址打开超级应用。", "The names under which this bank's super-app answers."],
  host: ["网址", "Host"],
  usual: ["默认", "Usual"],
  own: ["自有", "Own"],
  add: ["添加网址", "Add a host"],
  addLead: [
    "完整主机名，不含 https://、端口和路径。域名解析和证书由银行自行配置。",
    "The full name, without https://, port and path. Its DNS and certificate are the bank's own to set up.",
  ],
  added: ["添加时间", "Added"],
  addedBy: ["添加人", "Added by"],
  removeTitle: ["移除 {{host}}？", "Remove {{host}}?"],
  removeWhat: [
    "客户在此网址将无法再打开超级应用，存在该网址下的数据也无法再用。",
    "The super-app no longer answers there, and what browsers keep under this name is out of reach.",
  ],
  empty: ["没有网址", "No hosts"],
} as const;
