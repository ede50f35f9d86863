// The icons that the window uses, from Lucide (ISC), whose files keep their licence line.
import arrowLeft from 'lucide-static/icons/arrow-left.svg?raw'
import arrowRight from 'lucide-static/icons/arrow-right.svg?raw'
import check from 'lucide-static/icons/check.svg?raw'
import chevronDown from 'lucide-static/icons/chevron-down.svg?raw'
import chevronsUpDown from 'lucide-static/icons/chevrons-up-down.svg?raw'
import circleAlert from 'lucide-static/icons/circle-alert.svg?raw'
import circleCheck from 'lucide-static/icons/circle-check.svg?raw'
import circleDot from 'lucide-static/icons/circle-dot.svg?raw'
import circle from 'lucide-static/icons/circle.svg?raw'
import copy from 'lucide-static/icons/copy.svg?raw'
import fingerprint from 'lucide-static/icons/fingerprint.svg?raw'
import flask from 'lucide-static/icons/flask-conical.svg?raw'
import inbox from 'lucide-static/icons/inbox.svg?raw'
import key from 'lucide-static/icons/key-round.svg?raw'
import loader from 'lucide-static/icons/loader-circle.svg?raw'
import lock from 'lucide-static/icons/lock.svg?raw'
import logOut from 'lucide-static/icons/log-out.svg?raw'
import plus from 'lucide-static/icons/plus.svg?raw'
import refresh from 'lucide-static/icons/refresh-cw.svg?raw'
import search from 'lucide-static/icons/search.svg?raw'
import server from 'lucide-static/icons/server.svg?raw'
import timer from 'lucide-static/icons/timer.svg?raw'
import alert from 'lucide-static/icons/triangle-alert.svg?raw'
import wallet from 'lucide-static/icons/wallet.svg?raw'
import offline from 'lucide-static/icons/wifi-off.svg?raw'
import close from 'lucide-static/icons/x.svg?raw'

/** The shapes inside a Lucide file's <svg>. */
const shapes = (file: string) => file.slice(file.indexOf('>', file.indexOf('<svg')) + 1, file.lastIndexOf('</svg>')).trim()

export const icons = {
  alert: shapes(alert),
  arrowLeft: shapes(arrowLeft),
  arrowRight: shapes(arrowRight),
  check: shapes(check),
  chevronDown: shapes(chevronDown),
  chevronsUpDown: shapes(chevronsUpDown),
  circle: shapes(circle),
  circleAlert: shapes(circleAlert),
  circleCheck: shapes(circleCheck),
  circleDot: shapes(circleDot),
  close: shapes(close),
  copy: shapes(copy),
  fingerprint: shapes(fingerprint),
  flask: shapes(flask),
  inbox: shapes(inbox),
  key: shapes(key),
  loader: shapes(loader),
  lock: shapes(lock),
  logOut: shapes(logOut),
  offline: shapes(offline),
  plus: shapes(plus),
  refresh: shapes(refresh),
  search: shapes(search),
  server: shapes(server),
  timer: shapes(timer),
  wallet: shapes(wallet),
}
export type IconName = keyof typeof icons
