import { createRoot } from "react-dom/client";
import { StrictMode } from "react";
import { News } from "./News.jsx";

const root = createRoot(document.getElementById("root"));
root.render(<StrictMode><News server="http://127.0.0.1:3000" /></StrictMode>);

// For whoever tries it from the console: the stream ends with the component.
window.unmount = () => root.unmount();
