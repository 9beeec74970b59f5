/** File descriptors of the set-up besides the script's own: where it reports to, what it reads, and the script's errors. */
export const REPORT = 3;
export const PROGRAM = 4;
export const ERRORS = 5;

/** How the set-up's first line begins; the number that its process has outside of the sandbox follows. */
export const PROCESS = 'process';
/** How the set-up's last line begins; the script's exit status follows. */
export const STATUS = 'status';
/** The set-up's last line when there is nothing to run the script. */
export const NO_INTERPRETER = 'no interpreter';
