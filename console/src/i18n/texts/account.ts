export const account = {
  lead: ["您的身份、权限与密码。", "Who you are here, what you may do, and your password."],
  email: ["电子邮箱", "E-mail"],
  limited: ["有限范围的权限", "Permissions with a limit"],
  everywhereWhat: [
    "所有浏览器与命令行中的登录都会结束，包括这里。",
    "Every browser and command line where you are signed in is signed out, this one too.",
  ],
} as const;
