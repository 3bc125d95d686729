/** The page for whoever has no cookie yet: nothing to load, one command to copy. */
import {schemeButton} from "./scheme.js";
import {copyButton} from "./shell.js";

schemeButton(document.getElementById("scheme"));
copyButton(document.getElementById("copy"), () => "gaitway token page");
